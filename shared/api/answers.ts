import type { z } from 'zod';
import type { FlowReport } from '../schema/flowreport.ts';
import type { Identity, ObjectOf } from '../schema/resources.ts';
import type { DirectiveAnswer } from './directive-routes.ts';
import type {
  EnforcerCredentials,
  PreflightAnswer,
  PresetAnswer,
  RegistrationAnswer,
} from './enforcer-messages.ts';
import type { Reports, SearchAnswer } from './flow-query-routes.ts';
import type { FlowReceipt } from './flow-routes.ts';
import type { CreatedImport, ShownImport } from './import-routes.ts';
import type { DependencyMap } from './map-routes.ts';
import type { Activity, DecisionAnswer, ExportAnswer, ImportReport } from './messages.ts';
import type { CrudAction, CrudOperation, Operation } from './routes.ts';
import type { Issue, Jwks, MetaConfig } from './token-messages.ts';
import type { ShownHost, ShownUpgrade, UpgradePlan, UpgradeStatus } from './upgrade-routes.ts';

/** Answers of the operations that are more than one resource's CRUD. */
interface SpecialAnswers extends Record<Exclude<Operation, CrudOperation>, unknown> {
  issueToken: Issue;
  getJwks: z.infer<typeof Jwks>;
  getMetaConfig: z.infer<typeof MetaConfig>;
  createEnforcerCredentials: EnforcerCredentials;
  registerEnforcer: RegistrationAnswer;
  createPreflight: PreflightAnswer;
  createEnforcerUpgrade: UpgradePlan;
  listEnforcerUpgrades: ShownUpgrade[];
  getEnforcerUpgrade: UpgradeStatus;
  listUpgradeHosts: ShownHost[];
  pauseEnforcerUpgrade: ShownUpgrade;
  resumeEnforcerUpgrade: ShownUpgrade;
  abortEnforcerUpgrade: ShownUpgrade;
  reportDirective: DirectiveAnswer;
  applyPreset: PresetAnswer;
  decideFlow: DecisionAnswer;
  export: ExportAnswer;
  import: ImportReport;
  createImport: CreatedImport;
  listImports: ShownImport[];
  getImport: ShownImport;
  startImport: ShownImport;
  cancelImport: ShownImport;
  listActivities: Activity[];
  createFlowReports: FlowReceipt;
  listFlowReports: FlowReport[];
  createReportsQuery: Reports;
  createCnssearch: SearchAnswer;
  listDependencyMaps: DependencyMap[];
}

type Noun<O extends CrudOperation> = O extends `${CrudAction}${infer N}`
  ? Extract<Uncapitalize<N>, Identity>
  : never;

/** What an operation's answer holds; undefined where there is no body. */
export type AnswerOf<O extends Operation> = O extends CrudOperation
  ? O extends `list${string}`
    ? ObjectOf<Noun<O>>[]
    : O extends `count${string}`
      ? undefined
      : ObjectOf<Noun<O>>
  : O extends keyof SpecialAnswers
    ? SpecialAnswers[O]
    : never;
