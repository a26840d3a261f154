import { call, hasToken, Refused, useToken } from './api.js';
import { byID, element } from './dom.js';
import { drawing } from './graph.js';
import { filtered, flowsOf, tagKeys } from './model.js';
import { edgePanel, emptyPanel, lists, nodePanel } from './panel.js';

/** What is shown, and what of it is chosen. */
const state = { map: undefined, chosen: {}, asked: 0 };

const graph = drawing(byID('graph'), what => choose(what));

const say = (text, isProblem = false) => {
  byID('status').textContent = text;
  byID('status').className = isProblem ? 'problem' : '';
};

const shownMap = () => {
  const { nodes, edges } = state.map ?? { nodes: [], edges: [] };
  const left = filtered({ nodes, edges }, byID('filter').value, byID('verdict').value);
  const { namespace = '' } = state.map ?? {};
  return { ...left, namespace, byID: new Map(nodes.map(node => [node.ID, node])) };
};

function paint() {
  const map = shownMap();
  graph.show(map, byID('group').value);
  graph.choose(state.chosen);
  byID('list').replaceChildren(...lists(map, choose).filter(Boolean));
}

/** IDs that a filter can name; others come from agents that make up their own. */
const PLAIN = /^[\w.:-]+$/;

async function recordsOf({ node, edge }) {
  const ends = node !== undefined ? [node] : [edge.sourceID, edge.destinationID];
  if (!ends.every(ID => PLAIN.test(ID))) return 'No filter can name the ID of this end.';
  const q =
    node !== undefined
      ? `sourceID == "${node}" or destinationID == "${node}"`
      : `sourceID == "${edge.sourceID}" and destinationID == "${edge.destinationID}"`;
  const { namespace, recursive, startRelative } = state.map;
  const query = { q, startRelative, limit: '20', ...(recursive ? { recursive: 'true' } : {}) };
  try {
    return (await call('POST', '/reportsqueries', namespace, query, {})).flowReports;
  } catch (error) {
    return `Flow records: ${error.message}`;
  }
}

/** Brings the details into view, whatever was clicked. */
function showPanel() {
  const isWide = matchMedia('(min-width: 60rem)').matches;
  byID('panel').focus({ preventScroll: true });
  (isWide ? document.querySelector('main') : byID('panel')).scrollIntoView({
    block: isWide ? 'nearest' : 'start',
  });
}

async function choose(what, isAgain = false) {
  state.chosen = what;
  const map = shownMap();
  const node = map.byID.get(what.node);
  const edge = (state.map?.edges ?? []).find(({ ID }) => ID === what.edge);
  graph.choose(what);
  const panel = byID('panel');
  const put = found => {
    const parts = node
      ? nodePanel(node, { ...state.map, byID: map.byID }, found, choose)
      : edge
        ? edgePanel(edge, { ...state.map, byID: map.byID }, found, choose)
        : emptyPanel();
    panel.replaceChildren(...parts.filter(Boolean));
  };
  put(undefined);
  if (!node && !edge) return;
  if (!isAgain) showPanel();
  const found = await recordsOf(node ? { node: node.ID } : { edge });
  if (state.chosen === what) put(found);
}

function groups(nodes) {
  const select = byID('group');
  const chosen = select.value;
  const option = (value, text) => element('option', { value }, text);
  select.replaceChildren(
    option('namespace', 'namespace'),
    ...tagKeys(nodes)
      .slice(0, 100)
      .map(key => option(key, `tag ${key}`)),
    option('', 'nothing'),
  );
  select.value = chosen;
  if (select.selectedIndex < 0) select.value = 'namespace';
}

function told(map) {
  const { nodes, edges, records, leftOut } = map;
  const cut =
    leftOut.edges > 0
      ? ` ${leftOut.edges} lines and ${leftOut.nodes} nodes found no room: choose a shorter window or a namespace below.`
      : '';
  if (records === 0) return 'No flows in this window.';
  return `${nodes.length} nodes and ${edges.length} lines, of ${records} flow records.${cut}`;
}

const byWeight = (a, b) => flowsOf(b) - flowsOf(a) || (a.ID < b.ID ? -1 : 1);

async function refresh() {
  if (!hasToken()) return openToken();
  const namespace = byID('namespace').value.trim();
  if (namespace === '') return byID('namespace').focus();
  const recursive = byID('recursive').checked;
  const startRelative = byID('window').value;
  const asked = ++state.asked;
  say('Reading…');
  byID('refresh').disabled = true;
  try {
    const query = { startRelative, ...(recursive ? { recursive: 'true' } : {}) };
    const [map] = await call('GET', '/dependencymaps', namespace, query);
    if (asked !== state.asked) return;
    const nodes = Object.values(map.nodes);
    const edges = Object.values(map.edges).sort(byWeight);
    state.map = { ...map, nodes, edges, namespace, recursive, startRelative };
    groups(nodes);
    say(told(state.map), state.map.leftOut.edges > 0);
    paint();
    choose(state.chosen, true);
  } catch (error) {
    if (asked !== state.asked) return;
    say(error.message, true);
    if (error instanceof Refused && error.status === 401) openToken();
  } finally {
    if (asked === state.asked) byID('refresh').disabled = false;
  }
}

async function suggestNamespaces() {
  if (!hasToken() || byID('namespace').value.trim() === '') return;
  try {
    const query = { recursive: 'true', pagesize: '200' };
    const found = await call('GET', '/accessiblenamespaces', byID('namespace').value.trim(), query);
    byID('namespaces').replaceChildren(...found.map(({ name }) => element('option', { value: name })));
  } catch {
    // Suggestions alone: what is wrong is told by the map itself.
  }
}

function openToken() {
  byID('token').value = '';
  byID('token-dialog').showModal();
  byID('token').focus();
}

/** `#token=…&namespace=/acme&window=6h&recursive=false`: a fragment is sent to nobody. The token leaves it at once. */
function readFragment() {
  const said = new URLSearchParams(location.hash.slice(1));
  if (said.has('token')) {
    useToken(said.get('token'));
    said.delete('token');
    history.replaceState(null, '', `${location.pathname}${said.size > 0 ? `#${said}` : ''}`);
  }
  for (const name of ['namespace', 'window', 'filter']) if (said.has(name)) byID(name).value = said.get(name);
  if (byID('window').selectedIndex < 0) byID('window').value = '1h';
  if (said.has('recursive')) byID('recursive').checked = said.get('recursive') !== 'false';
}

/** What is looked at stands in the address, without the token, so that it can be handed on. */
function keepFragment() {
  const said = new URLSearchParams({
    namespace: byID('namespace').value.trim(),
    window: byID('window').value,
  });
  if (!byID('recursive').checked) said.set('recursive', 'false');
  history.replaceState(null, '', `${location.pathname}#${said}`);
}

byID('ask').addEventListener('submit', event => {
  event.preventDefault();
  keepFragment();
  refresh();
  suggestNamespaces();
});
for (const name of ['window', 'recursive'])
  byID(name).addEventListener('change', () => {
    keepFragment();
    refresh();
  });
byID('view').addEventListener('submit', event => event.preventDefault());
byID('token-open').addEventListener('click', openToken);
byID('token-cancel').addEventListener('click', () => byID('token-dialog').close());
byID('token-form').addEventListener('submit', event => {
  event.preventDefault();
  useToken(byID('token').value);
  byID('token').value = '';
  byID('token-dialog').close();
  refresh();
  suggestNamespaces();
});
byID('fit').addEventListener('click', () => graph.showAll());
for (const name of ['group', 'verdict']) byID(name).addEventListener('change', paint);
byID('filter').addEventListener('input', paint);
addEventListener('keydown', event => {
  if (event.key === 'Escape' && !byID('token-dialog').open) choose({});
});

byID('panel').replaceChildren(...emptyPanel());
readFragment();
if (hasToken() && byID('namespace').value !== '') {
  refresh();
  suggestNamespaces();
} else {
  say('Give a token and a namespace.');
  if (!hasToken()) openToken();
}
