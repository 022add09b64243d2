/** `capstan ops evidence OPERATION`: what it proves, as a few lines; the whole of it as a page for people (--html) or as the very text that
 *  its digest was taken over (--out). */
import type { Command } from 'commander'
import { canonicalJson } from '../../../contracts/canonical-json'
import { failure } from '../../../contracts/failures'
import { FINAL_STATUSES, type OperationId } from '../../../contracts/operation'
import type { Evidence } from '../../../ledger/documents'
import { type EvidenceDocument, readEvidence } from '../../../ledger/evidence-document'
import { listVerificationRuns, type VerificationRun } from '../../../ledger/verifications'
import { figuresOf, sealOf } from '../../evidence/header'
import { HISTORY_RUNS_MAX } from '../../evidence/history'
import { evidencePage } from '../../evidence/page'
import { findOperation } from '../../find-operation'
import { findingsOf } from '../../findings'
import { parseOperationId } from '../../operation-id'
import type { CliContext } from '../context'
import { example, jsonOption } from '../options'
import { findingLines } from '../render/steps'
import { writeNamedFile } from '../write-file'

interface EvidenceOptions {
  readonly html?: string
  readonly out?: string
  readonly json?: boolean
}

export function addOpsEvidence(ops: Command, cli: CliContext): void {
  ops
    .command('evidence')
    .description(
      'What an operation planned, measured, did and checked. The digest is SHA-256 over the canonical JSON, which --out writes and ' +
        'the page carries.',
    )
    .argument('<operation>')
    .option('--html <file>', 'write one self-contained page there, for a browser or a printer')
    .option('--out <file>', 'write the canonical JSON there: sha256sum gives the digest')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example(
        'capstan ops evidence migrate-shop-k3x7qa --html evidence.html',
        'capstan ops evidence migrate-shop-k3x7qa --out evidence.json && sha256sum evidence.json',
      ),
    )
    .action(async (operation: string, options: EvidenceOptions) => {
      const id = parseOperationId(operation)
      const evidence = await fetchEvidence(cli, id)
      if (options.html !== undefined) {
        const document = readEvidence(evidence.document)
        await writeNamedFile('--html', options.html, evidencePage(document, evidence.digest, await fetchHistory(cli, document)))
      }
      if (options.out !== undefined) await writeNamedFile('--out', options.out, canonicalJson(evidence.document))
      if (options.json) return cli.json({ version: 1, operation: id, ...evidence })
      cli.lines(
        options.html === undefined && options.out === undefined ? summary(cli, id, evidence) : written(id, evidence, options),
      )
    })
}

async function fetchEvidence(cli: CliContext, id: OperationId): Promise<Evidence> {
  return await cli.withLedger(async (ledger) => {
    const { status } = await findOperation(ledger, id)
    const found = await ledger.getEvidence(id)
    if (found !== null) return found
    const why = FINAL_STATUSES.includes(status)
      ? 'none could be written when it ended; "capstan ops show" has its record'
      : 'it is written when the operation ends'
    throw failure('EVIDENCE_MISSING', `Operation ${id} is ${status} and has no evidence: ${why}.`, { operation: id, status })
  })
}

/** As it stands now: it is drawn beside the evidence, which holds its own run alone. */
async function fetchHistory(cli: CliContext, { operation }: EvidenceDocument): Promise<VerificationRun[]> {
  const database = operation.databases[0]
  if (operation.kind !== 'verify-backup' || database === undefined) return []
  return await cli.withLedger((ledger) => listVerificationRuns(ledger, { database, upTo: operation, limit: HISTORY_RUNS_MAX }))
}

function written(id: OperationId, { digest }: Evidence, { html, out }: EvidenceOptions): string[] {
  return [
    ...(html === undefined ? [] : [`${html}: page of ${id}, evidence sha256 ${digest}`]),
    ...(out === undefined ? [] : [`${out}: evidence of ${id}, sha256 ${digest}`]),
  ]
}

function summary({ paint, io }: CliContext, id: OperationId, { digest, document }: Evidence): string[] {
  const evidence = readEvidence(document)
  const { operation } = evidence
  const { word, tone } = sealOf(evidence)
  const colour = ({ good: 'green', bad: 'red', neutral: 'yellow' } as const)[tone]
  const figures = figuresOf(evidence)
  const width = Math.max(0, ...figures.map(({ name }) => name.length))
  return [
    `${paint(colour, word)}  ${paint('bold', `${operation.kind} ${operation.databases.join(', ')}`)}  ${id} ended ${operation.status}`,
    ...figures.map(({ name, value, note, over }) => {
      const line = `  ${name.padEnd(width)}  ${value}${note === '' ? '' : ` ${note}`}`
      return over ? paint('red', line) : line
    }),
    ...findingsOf(operation).flatMap((finding) => findingLines(finding, { paint, columns: io.columns() })),
    `  ${paint('dim', `sha256 ${digest}`)}`,
    `  as a page:     capstan ops evidence ${id} --html ${id}.html`,
    `  as a document: capstan ops evidence ${id} --out ${id}.json`,
  ]
}
