/* global cytoscape */

import { downwards, positions, stretched } from './layout.js';
import { flowsOf, groupOf, looksOf, nameOf, portsOf } from './model.js';

/** The drawing. The library draws texts on a canvas: none of them can become part of the page. */

const FONT = 13;
/** Of a node. */
const HEIGHT = 34;
/** Below this width flows go downwards. */
const NARROW = 600;
const LONGEST = 22;
const short = text => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

const measure = document.createElement('canvas').getContext('2d');
const widthOf = text => {
  measure.font = `${FONT}px system-ui, sans-serif`;
  return Math.ceil(measure.measureText(text).width) + 28;
};

/** Colours are the page's own, so that there is one place for light and dark. */
const color = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const style = () => [
  {
    selector: 'node',
    style: {
      shape: 'round-rectangle',
      height: HEIGHT,
      'background-color': color('node'),
      'border-width': 1.5,
      'border-color': color('node-line'),
      label: 'data(label)',
      'font-family': 'system-ui, sans-serif',
      'font-size': FONT,
      color: color('text'),
      'text-valign': 'center',
      'text-halign': 'center',
    },
  },
  { selector: 'node[width]', style: { width: 'data(width)' } },
  {
    selector: 'node[type = "ExternalNetwork"]',
    style: { shape: 'round-octagon', 'background-color': color('network') },
  },
  { selector: 'node[width][!resolved]', style: { 'border-style': 'dashed', color: color('muted') } },
  {
    selector: ':parent',
    style: {
      shape: 'round-rectangle',
      'background-color': color('group'),
      'background-opacity': 1,
      'border-width': 1,
      'border-style': 'solid',
      'border-color': color('group-line'),
      padding: 22,
      'min-width': 'data(least)',
      label: 'data(label)',
      color: color('muted'),
      'font-size': 12,
      'text-valign': 'top',
      'text-halign': 'center',
      'text-margin-y': -6,
    },
  },
  {
    selector: 'edge',
    style: {
      'curve-style': 'bezier',
      'control-point-step-size': 46,
      width: 'data(width)',
      'line-color': edge => color(edge.data('color')),
      'line-style': 'data(line)',
      'line-dash-pattern': [7, 4],
      'target-arrow-color': edge => color(edge.data('color')),
      'target-arrow-shape': 'data(arrow)',
      'arrow-scale': 1.1,
      label: 'data(label)',
      'font-family': 'system-ui, sans-serif',
      'font-size': 11,
      color: color('text'),
      'text-rotation': 'autorotate',
      'text-background-color': color('page'),
      'text-background-opacity': 0.9,
      'text-background-padding': 2,
      'text-background-shape': 'round-rectangle',
    },
  },
  { selector: '.far', style: { opacity: 0.2 } },
  { selector: 'node.chosen', style: { 'border-width': 3, 'border-color': color('accent') } },
  { selector: 'edge.chosen', style: { width: 5, 'z-index': 9 } },
];

/** What is not colour alone: an arrow where it comes through, a bar where it does not, both where it is both. */
const ARROWS = { green: 'triangle', red: 'tee', orange: 'triangle-tee' };

/** Both ends of a path say more than its middle. */
const boxLabel = (text, above) => {
  const own = text.startsWith(`${above}/`) ? text.slice(above.length + 1) : text;
  return own.length > 36 ? `${own.slice(0, 19)}…${own.slice(-16)}` : own;
};

function elementsOf({ nodes, edges, namespace }, by) {
  const groups = new Map();
  const drawn = nodes.map(node => {
    const group = groupOf(node, by);
    if (group !== undefined) groups.set(group, `group ${group}`);
    const label = short(nameOf(node));
    return {
      data: {
        id: `node ${node.ID}`,
        key: node.ID,
        label,
        width: widthOf(label),
        type: node.type,
        ...(node.resolved ? { resolved: 1 } : {}),
        ...(group === undefined ? {} : { parent: `group ${group}` }),
      },
    };
  });
  const lines = edges.map(edge => {
    const { color: ink, dashed } = looksOf(edge);
    return {
      data: {
        id: `edge ${edge.ID}`,
        key: edge.ID,
        source: `node ${edge.sourceID}`,
        target: `node ${edge.destinationID}`,
        label: portsOf(edge),
        color: ink,
        line: dashed ? 'dashed' : 'solid',
        arrow: ARROWS[ink],
        flows: flowsOf(edge),
        width: 1.5 + Math.min(3, Math.log10(1 + flowsOf(edge))),
      },
    };
  });
  const boxes = [...groups].map(([group, id]) => {
    const label = boxLabel(group, namespace);
    return { data: { id, label, least: widthOf(label) - 44 } };
  });
  return [...boxes, ...drawn, ...lines];
}

function placed(elements, container) {
  const nodes = elements.filter(({ data }) => data.width !== undefined && data.source === undefined);
  const known = new Map(nodes.map(({ data }) => [data.id, data]));
  const least = new Map(
    elements.flatMap(({ data }) => (data.least === undefined ? [] : [[data.id, data.least]])),
  );
  const lines = elements.filter(({ data }) => data.source !== undefined);
  const links = lines.map(({ data: { source, target, flows } }) => [source, target, flows]);
  const how = {
    parentOf: id => known.get(id).parent,
    sizeOf: id => ({ width: known.get(id).width, height: HEIGHT }),
    leastOf: id => ({ width: least.get(id), height: HEIGHT }),
  };
  const { clientWidth: width, clientHeight: height } = container;
  const at =
    width < NARROW
      ? downwards([...known.keys()], links, how)
      : stretched(positions([...known.keys()], links, how), { width, height });
  return elements.map(one => (known.has(one.data.id) ? { ...one, position: at.get(one.data.id) } : one));
}

/** `onChoose` is told what was clicked: `{ node }`, `{ edge }` by ID, or nothing of both. */
export function drawing(container, onChoose) {
  const graph = cytoscape({
    container,
    style: style(),
    minZoom: 0.05,
    maxZoom: 2.5,
    boxSelectionEnabled: false,
    autounselectify: true,
  });
  graph.on('tap', ({ target }) => {
    if (target === graph || target.isParent?.()) return onChoose({});
    return onChoose(target.isNode() ? { node: target.data('key') } : { edge: target.data('key') });
  });
  const showAll = () => {
    graph.resize();
    graph.fit(undefined, 30);
    if (graph.zoom() > 1.3) {
      graph.zoom(1.3);
      graph.center();
    }
  };
  const paint = () => graph.style(style());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
  new ResizeObserver(() => showAll()).observe(container);
  return {
    showAll,
    show(map, by) {
      graph.elements().remove();
      graph.add(placed(elementsOf(map, by), container));
      graph.layout({ name: 'preset' }).run();
      showAll();
    },
    /** Shows what is chosen, and what has to do with it. */
    choose({ node, edge }) {
      graph.elements().removeClass('chosen far');
      const chosen = graph.getElementById(node !== undefined ? `node ${node}` : `edge ${edge}`);
      if (chosen.empty()) return;
      const near = chosen.isNode() ? chosen.closedNeighborhood() : chosen.union(chosen.connectedNodes());
      graph.elements().not(near).not(':parent').addClass('far');
      chosen.addClass('chosen');
    },
  };
}
