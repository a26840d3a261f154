/** Requests to the API of this server, with the token that was given. */

let token = '';
export const useToken = given => {
  token = given.trim();
};
export const hasToken = () => token !== '';

/** What the API says went wrong. */
export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

function reasonIn(text, status) {
  try {
    return JSON.parse(text)
      .map(({ description }) => description)
      .join('; ');
  } catch {
    return `the server answered with ${status}`;
  }
}

export async function call(method, path, namespace, query = {}, body = undefined) {
  const answer = await fetch(`${path}?${new URLSearchParams(query)}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'x-namespace': namespace,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Refused(answer.status, reasonIn(text, answer.status));
  return JSON.parse(text);
}
