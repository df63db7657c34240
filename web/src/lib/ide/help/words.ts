/** What people read where they stand. docs/ide.md says more. */
export const HELP = {
  files: {
    title: 'Files',
    text: 'What is in the home of this workspace. A click shows a file, a double click opens it to stay, and dropping files here uploads them, as far as the policy lets them in. Arrows walk the tree.',
  },
  search: {
    title: 'Search',
    text: 'Looks through all files but those that git ignores, while you type. Replacing shows each change first and can be undone.',
  },
  git: {
    title: 'Git',
    text: 'What changed since the last commit, by repository. Space stages a file, Enter shows its changes, where lines can be staged alone. Pushing and pulling go through the runner, which knows your credentials: they are never in here.',
  },
  terminals: {
    title: 'Terminals',
    text: 'They run in the workspace, not in this page: close the tab, lose the network or come back tomorrow, and they are where you left them. While several people are here, one of them drives.',
  },
} as const;
export type HelpTopic = keyof typeof HELP;
