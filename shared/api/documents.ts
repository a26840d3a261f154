/** Modules of the page at `/map`. */
const MAP = ['api.js', 'dom.js', 'graph.js', 'layout.js', 'main.js', 'model.js', 'page.css', 'panel.js'];

/** Files of the pages, by the path under which they are served: of the project, or of a package. */
export const FILES: Readonly<Record<string, string>> = {
  '/openapi.json': 'docs/openapi.json',
  '/docs': 'functions/documents/index.html',
  '/docs/page.js': 'functions/documents/page.js',
  '/docs/page.css': 'functions/documents/page.css',
  '/docs/swagger-ui-bundle.js': 'node_modules/swagger-ui-dist/swagger-ui-bundle.js',
  '/docs/swagger-ui.css': 'node_modules/swagger-ui-dist/swagger-ui.css',
  '/docs/favicon.png': 'node_modules/swagger-ui-dist/favicon-32x32.png',
  '/map': 'functions/documents/map/index.html',
  ...Object.fromEntries(MAP.map(name => [`/map/${name}`, `functions/documents/map/${name}`])),
  '/map/cytoscape.js': 'node_modules/cytoscape/dist/cytoscape.min.js',
};

/** What a gateway asks the function of the documents for: one route a folder, since a stack has room for few. */
export const DOCUMENT_ROUTES: readonly string[] = [
  ...new Set(Object.keys(FILES).map(path => path.replace(/^(\/[^/]+)\/.+$/, '$1/{file}'))),
];
