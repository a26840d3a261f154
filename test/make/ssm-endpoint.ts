import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { z } from 'zod';

const Sent = z.object({
  DocumentName: z.literal('AWS-RunShellScript'),
  InstanceIds: z.array(z.string()).length(1),
  Parameters: z.object({ commands: z.array(z.string()) }),
});
const Asked = z.object({ CommandId: z.string(), InstanceId: z.string() });

/** An instance that IAM keeps from whoever calls. */
export const FOREIGN = 'i-0f0f0f0f0f0f0f0f0';

interface Invocation {
  Status: 'InProgress' | 'Success' | 'Failed';
  StandardOutputContent: string;
  StandardErrorContent: string;
  /** Looks that find nothing yet, as SSM's answers lag behind. */
  hidden: number;
}

/** What a script came to. */
interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Runs a script on this machine, to its end. */
async function shellHere(script: string): Promise<Ended> {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended: Ended = { code: 0, out: '', err: '' };
  child.stdout.on('data', text => {
    ended.out += text;
  });
  child.stderr.on('data', text => {
    ended.err += text;
  });
  const [code] = await once(child, 'close');
  return { ...ended, code: code ?? 1 };
}

export interface SsmEndpoint {
  url: string;
  /** Scripts that were sent to the instance, in their order. */
  sent: readonly string[];
  close(): Promise<void>;
}

/** SSM's Run Command on loopback, for one instance: this machine unless said, whose shell runs what is sent. Nothing else of SSM. */
export async function openSsmEndpoint(
  instance: string,
  shell: (script: string) => Promise<Ended> = shellHere,
): Promise<SsmEndpoint> {
  const invocations = new Map<string, Invocation>();
  const sent: string[] = [];

  const run = async (id: string, script: string): Promise<void> => {
    const invocation: Invocation = {
      Status: 'InProgress',
      StandardOutputContent: '',
      StandardErrorContent: '',
      hidden: 1,
    };
    invocations.set(id, invocation);
    sent.push(script);
    const { code, out, err } = await shell(script);
    Object.assign(invocation, {
      Status: code === 0 ? 'Success' : 'Failed',
      StandardOutputContent: out,
      StandardErrorContent: err,
    });
  };

  const answer = (target: string, body: unknown): [status: number, answer: object] => {
    if (target === 'AmazonSSM.SendCommand') {
      const { InstanceIds, Parameters } = Sent.parse(body);
      if (InstanceIds[0] === FOREIGN)
        return [400, { __type: 'AccessDeniedException', message: 'not that one' }];
      if (InstanceIds[0] !== instance)
        return [400, { __type: 'InvalidInstanceId', message: 'no such instance' }];
      const CommandId = crypto.randomUUID();
      void run(CommandId, Parameters.commands.join('\n'));
      return [200, { Command: { CommandId, Status: 'Pending' } }];
    }
    if (target === 'AmazonSSM.GetCommandInvocation') {
      const { CommandId, InstanceId } = Asked.parse(body);
      const found = InstanceId === instance ? invocations.get(CommandId) : undefined;
      if (!found || found.hidden > 0) {
        if (found) found.hidden -= 1;
        return [400, { __type: 'InvocationDoesNotExist', message: 'not yet' }];
      }
      return [200, { CommandId, InstanceId, ...found }];
    }
    return [400, { __type: 'UnknownOperationException' }];
  };

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const [status, body] = answer(
      String(request.headers['x-amz-target']),
      JSON.parse(Buffer.concat(chunks).toString()),
    );
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (!address || typeof address !== 'object') throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    sent,
    close: async () => {
      server.closeAllConnections();
      await new Promise(done => server.close(done));
    },
  };
}
