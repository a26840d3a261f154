import type { AgentClient } from '../../../shared/api/agent-client.ts';
import type { Enforcer } from '../../../shared/schema/enforcer.ts';
import type { HostFacts } from '../../../shared/schema/host-facts.ts';
import type { Ec2Instance } from '../../../shared/schema/instance.ts';
import type { Clock } from '../clock.ts';
import type { Troubles } from './troubles.ts';

/** Milliseconds after which it is tried again. */
const AGAIN = 30_000;

/** What the control plane is told of the host: for preflights, and for when the agent is dead. */
export interface Description {
  facts: HostFacts;
  /** Absent outside EC2. */
  instance?: Ec2Instance;
  /** Proves `instance`; absent where the instance has no role. */
  instanceToken?: string;
}

/** `hasTried`: whether the kernel was told of any policy in this run. What it takes is told by those who have. */
export type Describe = (hasTried: boolean) => Promise<Description>;

interface Told {
  client: AgentClient;
  clock: Clock;
  troubles: Troubles;
  describe: Describe;
}

/** Tells of the host when the agent has begun, once more when the kernel was told of a policy, and whenever it is asked to. */
export class Describer {
  readonly #with: Told;
  /** Which question was answered last, and whether the kernel had been told; an empty one: none, but it told by itself. */
  #answered: { question: string; hasTried: boolean } | undefined;
  #asked = '';
  #telling = false;
  /** Before then it is not tried again. */
  #rests = 0;

  constructor(told: Told) {
    this.#with = told;
  }

  /** `question`: what the newest bundle asks with; undefined: nothing. */
  asked(question: string | undefined): void {
    this.#asked = question ?? this.#asked;
  }

  /** Nothing happens where everything was told. */
  async tell({ ID: id, namespace }: Enforcer, hasTried: boolean): Promise<void> {
    const question = this.#asked;
    const { client, clock, troubles, describe } = this.#with;
    const { question: answered, hasTried: had } = this.#answered ?? {};
    if (answered === question && had === hasTried) return;
    if (this.#telling || clock.elapsed() < this.#rests) return;
    this.#telling = true;
    try {
      await troubles.during('description', async () => {
        const description = await describe(hasTried);
        const body = {
          ...description,
          collectInfo: false,
          lastCollectionTime: clock.now().toISOString(),
          ...(question === '' ? {} : { lastCollectionID: question }),
        };
        await client.call('patchEnforcer', { namespace, params: { id }, body });
        this.#answered = { question, hasTried };
      });
    } catch (error) {
      this.#rests = clock.elapsed() + AGAIN;
      throw error;
    } finally {
      this.#telling = false;
    }
  }
}
