import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';

export interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';

export interface ToSign {
  host: string;
  region: string;
  date: Date;
  headers?: Record<string, string>;
  body?: string;
}

/** Signature Version 4, by the library that the SDK uses. */
export async function sign(keys: Keys, { host, region, date, headers = {}, body = BODY }: ToSign) {
  const signer = new SignatureV4({ service: 'sts', region, sha256: Sha256, credentials: keys });
  const request = await signer.sign(
    {
      method: 'POST',
      protocol: 'https:',
      hostname: host,
      path: '/',
      headers: { host, ...headers },
      body,
    },
    { signingDate: date },
  );
  return request.headers;
}

const answerOf = (arn: string, account: string): string =>
  `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>${arn}</Arn>
    <UserId>AROAEXAMPLE:session</UserId>
    <Account>${account}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>`;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d+\/([^/]+)\/sts\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)$/;

/**
 * STS on loopback: answers GetCallerIdentity for those who signed it with a secret that it knows. It reads the host
 * that the request was meant for from `x-meant-for`, since the request itself was sent to this machine.
 */
export async function startSts(known: readonly (Keys & { arn: string; account: string })[]) {
  const received: { headers: Record<string, unknown>; body: string }[] = [];
  const state = { respond: undefined as ((arn: string) => { status: number; body: string }) | undefined };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    received.push({ headers: request.headers, body });
    const refuse = (): void => void response.writeHead(403).end('<ErrorResponse/>');
    const [, id, region = '', names = '', signature = ''] =
      AUTHORIZATION.exec(String(request.headers.authorization)) ?? [];
    const keys = known.find(({ accessKeyId }) => accessKeyId === id);
    if (!keys || body !== BODY) return refuse();
    const host = String(request.headers['x-meant-for']);
    const time = String(request.headers['x-amz-date']).replace(
      /^(....)(..)(..)T(..)(..)(..)Z$/,
      '$1-$2-$3T$4:$5:$6Z',
    );
    const headers = Object.fromEntries(
      names.split(';').map(name => [name, name === 'host' ? host : String(request.headers[name])]),
    );
    const again = await sign(keys, { host, region, date: new Date(time), headers, body });
    const expected = AUTHORIZATION.exec(again.authorization ?? '')?.[4] ?? '';
    const right =
      expected.length === signature.length && timingSafeEqual(Buffer.from(expected), Buffer.from(signature));
    if (!right) return refuse();
    const answer = state.respond?.(keys.arn) ?? { status: 200, body: answerOf(keys.arn, keys.account) };
    response.writeHead(answer.status, { 'content-type': 'text/xml' }).end(answer.body);
  });
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    state,
    stop: () =>
      new Promise<void>(stopped => {
        server.closeAllConnections();
        server.close(() => stopped());
      }),
  };
}
