/** The shell examples of the pages and of every `--help`, as a reader would copy them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { CliContext } from '../../client/cli/context'
import { createProgram } from '../../client/cli/program'
import { VIGILANCE } from '../../client/health-watch'
import { capstan } from '../client/recorded-io'

export const ROOT = join(__dirname, '../..')

export interface Example {
  /** As it is typed, but with `capstan` and OPERATION however they were spelled. */
  readonly command: string
  /** What it is said to end with; 0 when nothing is said. */
  readonly exit: number
  /** Where it stands. */
  readonly source: string
}

export const runbooks = readdirSync(join(ROOT, 'docs/runbooks')).map((name) => `docs/runbooks/${name}`)
/** Pages whose examples are run. */
export const PAGES = [
  'README.md',
  'docs/commands.md',
  'docs/CONTRIBUTING.md',
  'docs/recover.md',
  'docs/schedules.md',
  'docs/scout.md',
  'docs/verify.md',
  ...runbooks,
]

export const program = createProgram(new CliContext({ colour: false, columns: () => 120 } as CliContext['io'], {}, VIGILANCE))

/** Every command that there is, groups included. */
export function commandsOf(group: Command, words: readonly string[] = []): string[][] {
  return group.commands.flatMap((command) => {
    const mine = [...words, command.name()]
    return [mine, ...commandsOf(command, mine)]
  })
}

const TYPED = /^(?: {4}| {2}\$ )((?:[A-Z_]+=\S+ )*(?:capstan|node|npm|npx|bash|sh|docker) .+?)(?: {2,}(.*))?$/gm

/** Lines of indented blocks, up to the words that stand beside them. */
function examplesIn(text: string, source: string): Example[] {
  return [...text.matchAll(TYPED)].map(([, command = '', beside = '']) => ({
    command: command.replace(/^node bin\/capstan\.js/, 'capstan').replaceAll(/\b(migrate|restore)-shop-k3x7qa\b/g, 'OPERATION'),
    exit: Number(/\bexit (?:code )?(\d+)/.exec(beside)?.[1] ?? 0),
    source,
  }))
}

/** Each once, wherever it stands first. */
export async function allExamples(): Promise<Example[]> {
  const pages = PAGES.flatMap((page) => examplesIn(readFileSync(join(ROOT, page), 'utf8'), page))
  const helps: Example[] = []
  for (const words of [[], ...commandsOf(program)]) {
    const { out } = await capstan([...words, '--help'])
    helps.push(...examplesIn(out, ['capstan', ...words, '--help'].join(' ')))
  }
  const seen = new Map<string, Example>()
  for (const example of [...pages, ...helps]) if (!seen.has(example.command)) seen.set(example.command, example)
  return [...seen.values()]
}

/** `capstan …` in a sentence: it names a command, and may leave its arguments out. */
export function mentionsIn(text: string): string[] {
  return [...text.matchAll(/`(?:node bin\/capstan\.js|capstan) ([^`\n]+)`/g)].map(([, words = '']) => words)
}
