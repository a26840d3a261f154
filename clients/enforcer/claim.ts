import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Of an abstract socket: the kernel gives it to one process of a network namespace, whatever processes that one can see, and takes it
 * back with the process, however it ends.
 */
const NAME = 'prisma-enforcer';

const REMEDY = `see who has it: ss -xlp | grep @${NAME}`;

const wordsOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return code === 'EADDRINUSE'
    ? `another agent may enforce in this network namespace, and two mend each other's rules: @${NAME} is taken; ${REMEDY}`
    : `whether another agent enforces in this network namespace can't be told: ${code}`;
};

/**
 * Says that an agent enforces in this network namespace, and finds out whether another one does whose processes can't be seen from here.
 * Anybody may take the name: that it is taken is a reason to warn, and none to leave a host without policy.
 */
export class Claim {
  readonly #name: string;
  #server: Server | undefined;

  constructor(name = NAME) {
    this.#name = name;
  }

  /** Takes the name, once and for as long as the process lives; gives why it can't be had. */
  async take(): Promise<string | undefined> {
    if (this.#server) return undefined;
    // Nobody has anything to say here.
    const server = createServer(socket => socket.on('error', () => undefined).destroy());
    try {
      await once(server.listen(`\0${this.#name}`), 'listening');
    } catch (error) {
      return wordsOf(error);
    }
    this.#server = server.on('error', () => undefined).unref();
    return undefined;
  }
}
