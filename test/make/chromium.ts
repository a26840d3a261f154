/** Where the system has the browser in which pages are tried. */
export const CHROMIUM = '/usr/bin/chromium';

/** It asks nobody for anything, and needs no screen. */
export const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
