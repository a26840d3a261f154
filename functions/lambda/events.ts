import type { DynamoDBBatchResponse, DynamoDBStreamEvent, SQSEvent } from 'aws-lambda';
import { changesOf, compose, marksOf, pushesOf } from '../compose.ts';
import { announce } from '../events/announce.ts';
import { bootstrap as makeAdministrator } from '../events/bootstrap.ts';
import { cloudAccountCreated } from '../events/cloud-account-created.ts';
import { cloudAccountOnboarded as startOnboarding } from '../events/cloud-account-onboarded.ts';
import { enforcerReported } from '../events/enforcer-reported.ts';
import { removeExpired } from '../events/expired-authorizations.ts';
import { importStarted } from '../events/import-started.ts';
import { markLost } from '../events/lost-enforcers.ts';
import { mappingChanged } from '../events/mapping-changed.ts';
import { namespaceDeleted } from '../events/namespace-deleted.ts';
import { removeOldImports } from '../events/old-imports.ts';
import { policyChanged } from '../events/policy-changed.ts';
import { publishMarked } from '../events/publish.ts';
import { push as pushAll, review } from '../events/push.ts';
import { releaseChanged } from '../events/release-changed.ts';
import { resign as resignAll } from '../events/resign.ts';
import { takeUpDeletions } from '../events/stuck-deletions.ts';
import { endStuckImports } from '../events/stuck-imports.ts';
import { upgradeCreated } from '../events/upgrade-created.ts';

/**
 * A batch of the table's stream is handled whole or, when anything fails, again from its first record: every handler
 * may see a change twice, and none may miss one.
 */
const batch =
  (handle: (event: DynamoDBStreamEvent) => Promise<void>) =>
  async (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    try {
      await handle(event);
      return { batchItemFailures: [] };
    } catch (error) {
      compose().log.error('batch of changes failed', {
        error: error instanceof Error ? error.stack : String(error),
      });
      return { batchItemFailures: [{ itemIdentifier: event.Records[0]?.dynamodb?.SequenceNumber ?? '' }] };
    }
  };

/** EventBridge: an account was added. */
export const cloudAccountOnboarded = (event: unknown) => startOnboarding(event, compose());

/** The table's stream, objects: what follows from a change. */
export const objectChanged = batch(async event => {
  const changes = changesOf(event.Records);
  await policyChanged(changes, compose());
  await cloudAccountCreated(changes, compose());
  await namespaceDeleted(changes, compose());
  await releaseChanged(changes, compose());
  await mappingChanged(changes, compose());
  await upgradeCreated(changes, compose());
  await importStarted(changes, compose());
  await enforcerReported(changes, compose());
  await announce(changes, compose());
});

/** The queue of what listeners are told. */
export const push = (event: SQSEvent) => pushAll(pushesOf(event.Records), compose());

/** The clock. */
export const reviewListeners = () => review(compose());

/** The table's stream, the publisher's to-do list. */
export const publish = batch(event => publishMarked(marksOf(event.Records), compose()));

/** The clock. */
export const resign = () => resignAll(compose());

/** The clock. */
export const lostEnforcers = () => markLost(compose());

/** The clock. */
export const expiredAuthorizations = () => removeExpired(compose());

/** The clock. */
export const oldImports = async () => ({
  ...(await endStuckImports(compose())),
  ...(await removeOldImports(compose())),
});

/** The clock. */
export const stuckDeletions = () => takeUpDeletions(compose());

/** An operator. */
export const bootstrap = () => makeAdministrator(compose());
