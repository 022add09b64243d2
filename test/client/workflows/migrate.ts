/** Stands in for the runbook where only the talk between client and workflow is tried: the database's name says how it behaves. */
import { ApplicationFailure, condition, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow'
import type { AbortInput, ApproveInput, ResolveInput } from '../../../contracts/messages'
import type { MigrateInput } from '../../../contracts/migrate'

export async function migrate(input: MigrateInput): Promise<string> {
  if (input.database === 'parked') throw new Error('an invariant is broken')
  if (input.database === 'fails') throw ApplicationFailure.nonRetryable('gave up without a word', 'CLOUD_REFUSED')
  if (input.database === 'retries') {
    const { ask } = proxyActivities<{ ask(): Promise<void> }>({
      startToCloseTimeout: '1 minute',
      retry: { initialInterval: '100ms' },
    })
    await ask()
  }
  let heard: string | null = null
  setHandler(
    defineUpdate<void, [ApproveInput]>('approve'),
    ({ by, planDigest }) => {
      heard = `approve ${by} ${planDigest}`
    },
    {
      validator: ({ by }) => {
        if (by === input.requestedBy) throw ApplicationFailure.nonRetryable('somebody else has to approve', 'APPROVAL_REFUSED')
      },
    },
  )
  setHandler(defineUpdate<void, [AbortInput]>('abort'), ({ by, reason }) => {
    heard = `abort ${by} ${reason}`
  })
  setHandler(defineUpdate<void, [ResolveInput]>('resolve'), ({ by, step, decision }) => {
    heard = `resolve ${by} ${step} ${decision}`
  })
  await condition(() => heard !== null)
  return heard ?? ''
}
