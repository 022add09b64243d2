/** Operations that an earlier start left in the middle: they would go on with a shop that is about to be removed. */
import type { OperationDocument } from '../../contracts/operation'
import type { CommandLine } from './command-line'

const FINAL = new Set(['planned', 'succeeded', 'failed', 'rejected', 'aborted'])

export async function endOpenOperations(commands: CommandLine): Promise<void> {
  const { operations } = await commands.json<{ operations: readonly OperationDocument[] }>(['ops', 'list'])
  for (const { id, status } of operations) {
    if (FINAL.has(status)) continue
    await commands.run(['ops', 'abort', id, '--reason', 'the example shop is started afresh'])
  }
}
