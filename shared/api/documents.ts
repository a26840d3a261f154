/** Files of the documentation, by the path under which they are served: of the project, or of a package. */
export const FILES: Readonly<Record<string, string>> = {
  '/openapi.json': 'docs/openapi.json',
  '/docs': 'functions/documents/index.html',
  '/docs/page.js': 'functions/documents/page.js',
  '/docs/page.css': 'functions/documents/page.css',
  '/docs/swagger-ui-bundle.js': 'node_modules/swagger-ui-dist/swagger-ui-bundle.js',
  '/docs/swagger-ui.css': 'node_modules/swagger-ui-dist/swagger-ui.css',
  '/docs/favicon.png': 'node_modules/swagger-ui-dist/favicon-32x32.png',
};
