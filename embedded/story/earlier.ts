/** Operations that an earlier start left in the middle: they would go on with a shop that is about to be removed, and hold its lock. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { FINAL_STATUSES, type OperationDocument } from '../../contracts/operation'
import type { CommandLine } from './command-line'

const POLL_MS = 250
/** Undoing removes a canary, which takes seconds in the lab. */
const ENDED_MS = 120_000

/** Resolves once all of them are over. @throws Failure INSTANCE_LOCKED naming one that does not end. */
export async function endOpenOperations(commands: CommandLine): Promise<void> {
  const { operations } = await commands.json<{ operations: readonly OperationDocument[] }>(['ops', 'list', '--limit', '1000'])
  for (const { id, status } of operations) {
    if (FINAL_STATUSES.includes(status)) continue
    await commands.run(['ops', 'abort', id, '--reason', 'the example shop is started afresh'])
    await untilOver(commands, id)
  }
}

async function untilOver(commands: CommandLine, id: string): Promise<void> {
  const deadline = Date.now() + ENDED_MS
  for (;;) {
    const { status } = await commands.json<OperationDocument>(['ops', 'show', id])
    if (FINAL_STATUSES.includes(status)) return
    if (status === 'needs-operator' || Date.now() > deadline) {
      throw failure(
        'INSTANCE_LOCKED',
        `Operation ${id} of an earlier start is ${status} and does not end; see capstan ops show ${id}, or begin anew with capstan reset.`,
        { operation: id, status },
      )
    }
    await sleep(POLL_MS)
  }
}
