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

/** SSM's Run Command on loopback, for one instance: this machine, whose shell runs what is sent. Nothing else of SSM. */
export async function openSsmEndpoint(instance: string): Promise<{ url: string; close(): Promise<void> }> {
  const invocations = new Map<string, Invocation>();

  const run = async (id: string, script: string): Promise<void> => {
    const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    const invocation: Invocation = {
      Status: 'InProgress',
      StandardOutputContent: '',
      StandardErrorContent: '',
      hidden: 1,
    };
    invocations.set(id, invocation);
    child.stdout.on('data', text => {
      invocation.StandardOutputContent += text;
    });
    child.stderr.on('data', text => {
      invocation.StandardErrorContent += text;
    });
    const [code] = await once(child, 'close');
    invocation.Status = code === 0 ? 'Success' : 'Failed';
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
    close: async () => {
      server.closeAllConnections();
      await new Promise(done => server.close(done));
    },
  };
}
