/** infra/Dockerfile, instruction by instruction. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './compose'

export interface Instruction {
  readonly name: string
  readonly text: string
  /** Name of the stage it belongs to; empty for the last one, which is the image; null before the first. */
  readonly stage: string | null
}

export function readDockerfile(): Instruction[] {
  const text = readFileSync(join(ROOT, 'infra/Dockerfile'), 'utf8')
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
  let stage: string | null = null
  return lines.map((line) => {
    const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
    if (name === 'FROM') stage = / AS (\S+)$/.exec(rest)?.[1] ?? ''
    return { name, text: rest, stage }
  })
}

export interface Copy {
  /** Stage that it is copied from; null: the repository. */
  readonly from: string | null
  readonly sources: readonly string[]
  readonly target: string
}

export function copies(stage: string): Copy[] {
  return readDockerfile()
    .filter((instruction) => instruction.name === 'COPY' && instruction.stage === stage)
    .map(({ text }) => {
      const words = text.split(/\s+/)
      const paths = words.filter((word) => !word.startsWith('--'))
      const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length) ?? null
      return { from, sources: paths.slice(0, -1), target: paths.at(-1) ?? '' }
    })
}

/** The environment that the image brings along. */
export function imageEnvironment(): Record<string, string> {
  const settings = readDockerfile().filter(({ name, stage }) => name === 'ENV' && stage === '')
  return Object.fromEntries(
    settings.flatMap(({ text }) => [...text.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value])),
  )
}
