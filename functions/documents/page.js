/* global SwaggerUIBundle */

/** Everything that somebody may look for an operation by, in lower case. */
const textOf = (tag, operation) =>
  [
    tag,
    operation.get('method'),
    operation.get('path'),
    operation.getIn(['operation', 'operationId']),
    operation.getIn(['operation', 'summary']),
  ]
    .join(' ')
    .toLowerCase();

/** The library's filter looks at the names of groups alone. Every word must be there. */
const search = () => ({
  fn: {
    opsFilter: (groups, phrase) => {
      const words = phrase.toLowerCase().split(/\s+/).filter(Boolean);
      return groups
        .map((group, tag) =>
          group.update('operations', operations =>
            operations.filter(operation => words.every(word => textOf(tag, operation).includes(word))),
          ),
        )
        .filter(group => group.get('operations').size > 0);
    },
  },
});

SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#api',
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [search],
  layout: 'BaseLayout',
  deepLinking: true,
  displayOperationId: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: -1,
  filter: true,
  tryItOutEnabled: true,
  // Nothing is asked of anybody but this server, and the token is forgotten with the page.
  validatorUrl: null,
  persistAuthorization: false,
});
