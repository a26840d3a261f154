/** Elements. Whatever comes from outside gets into the page here, and as text. */

export const byID = id => document.getElementById(id);

/** Children are elements or texts; properties are set as such, so that none of them is read as HTML. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made && !key.includes('-')) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.flat().filter(child => child !== undefined && child !== ''));
  return made;
}

export const button = (text, onclick, more = {}) =>
  element('button', { type: 'button', onclick, ...more }, text);

export const table = (caption, heads, rows) =>
  element(
    'div',
    { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': caption },
    element(
      'table',
      {},
      element('caption', {}, caption),
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          heads.map(head => element('th', { scope: 'col' }, head)),
        ),
      ),
      element(
        'tbody',
        {},
        rows.map(row =>
          element(
            'tr',
            {},
            row.map(cell => element('td', {}, cell)),
          ),
        ),
      ),
    ),
  );

/** Terms and what they are; those that are empty are left out. */
export const facts = pairs =>
  element(
    'dl',
    {},
    pairs
      .filter(([, value]) => value !== undefined && value !== '')
      .flatMap(([term, value]) => [element('dt', {}, term), element('dd', {}, value)]),
  );
