import type { Component } from 'svelte';
import type { Template } from '@gatehouse/core/api/templates.ts';
import Box from '@lucide/svelte/icons/box';
import Braces from '@lucide/svelte/icons/braces';
import Bug from '@lucide/svelte/icons/bug';
import Cloud from '@lucide/svelte/icons/cloud';
import Code from '@lucide/svelte/icons/code';
import Container from '@lucide/svelte/icons/container';
import Cpu from '@lucide/svelte/icons/cpu';
import Database from '@lucide/svelte/icons/database';
import Flask from '@lucide/svelte/icons/flask-conical';
import Globe from '@lucide/svelte/icons/globe';
import Rocket from '@lucide/svelte/icons/rocket';
import Server from '@lucide/svelte/icons/server';
import Shield from '@lucide/svelte/icons/shield';
import Terminal from '@lucide/svelte/icons/terminal';

/** A drawing for each icon that a template may have. */
export const ICONS: Record<Template['icon'], Component> = {
  box: Box,
  braces: Braces,
  bug: Bug,
  cloud: Cloud,
  code: Code,
  container: Container,
  cpu: Cpu,
  database: Database,
  flask: Flask,
  globe: Globe,
  rocket: Rocket,
  server: Server,
  shield: Shield,
  terminal: Terminal,
};
