/** `capstan ops evidence OPERATION`: the evidence document, as it was digested. */
import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { canonicalJson } from '../../../contracts/canonical-json'
import { failure } from '../../../contracts/failures'
import { findOperation } from '../../decide'
import { parseOperationId } from '../../operation-id'
import type { CliContext } from '../context'
import { example, jsonOption } from '../options'

export function addOpsEvidence(ops: Command, cli: CliContext): void {
  ops
    .command('evidence')
    .description('The evidence that an operation left. Its digest is SHA-256 over the canonical JSON, which --out writes.')
    .argument('<operation>')
    .option('--out <file>', 'write the canonical JSON there: sha256sum gives the digest')
    .addOption(jsonOption())
    .addHelpText('after', example('capstan ops evidence migrate-shop-k3x7qa --out evidence.json'))
    .action(async (operation: string, options: { out?: string; json?: boolean }) => {
      const id = parseOperationId(operation)
      const evidence = await cli.withLedger(async (ledger) => {
        const { status } = await findOperation(ledger, id)
        const found = await ledger.getEvidence(id)
        if (found === null)
          throw failure('EVIDENCE_MISSING', `Operation ${id} is ${status} and has no evidence.`, { operation: id, status })
        return found
      })
      if (options.out !== undefined) await write(options.out, canonicalJson(evidence.document))
      if (options.json) cli.json({ version: 1, operation: id, ...evidence })
      else if (options.out === undefined) cli.lines([JSON.stringify(evidence.document, null, 2)])
      else cli.lines([`${options.out}: evidence of ${id}, sha256 ${evidence.digest}`])
    })
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: NodeJS.ErrnoException) => {
    throw failure('OPTION_INVALID', `${file} cannot be written (${error.code}); name another file with --out.`, { file })
  })
}
