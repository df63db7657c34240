import type { Component } from 'svelte';
import type { TemplateApp } from '@gatehouse/core/api/template-apps.ts';
import Box from '@lucide/svelte/icons/box';
import Bug from '@lucide/svelte/icons/bug';
import Code from '@lucide/svelte/icons/code';
import Database from '@lucide/svelte/icons/database';
import Flask from '@lucide/svelte/icons/flask-conical';
import Globe from '@lucide/svelte/icons/globe';
import Rocket from '@lucide/svelte/icons/rocket';
import Server from '@lucide/svelte/icons/server';
import Terminal from '@lucide/svelte/icons/terminal';

/** A drawing for each icon that a web app may have. */
export const APP_ICON: Record<TemplateApp['icon'], Component> = {
  globe: Globe,
  code: Code,
  terminal: Terminal,
  database: Database,
  flask: Flask,
  bug: Bug,
  server: Server,
  rocket: Rocket,
  box: Box,
};
