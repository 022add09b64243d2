/** The endpoint of a database of the fleet file: which fields belong to which kind, and what a program may be called. */
import type { Endpoint } from '../../contracts/endpoint'
import type { FleetFileDatabase } from '../../contracts/fleet.schema'
import type { FieldPath } from './source'
import { parseDurationMs } from './units'

type FileEndpoint = NonNullable<FleetFileDatabase['endpoint']>

/** Takes what is wrong. */
export interface EndpointReader {
  wrong(path: FieldPath, rule: string): void
}

const TIMEOUT_MS = 60_000
const TIMEOUT_MS_MAX = 600_000

/** A file name, never a path. */
const PROGRAM = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

/** What belongs to another kind is wrong: whoever wrote it meant that kind. */
const FIELDS = {
  none: { needed: [], allowed: [], rule: 'kind: none and nothing else' },
  command: { needed: ['move', 'check'], allowed: ['timeout'], rule: 'kind: command with move and check, and a timeout or not' },
  'lab-router': { needed: ['name'], allowed: [], rule: 'kind: lab-router with name, and nothing else' },
} as const satisfies Record<Endpoint['kind'], { needed: readonly string[]; allowed: readonly string[]; rule: string }>

export function toEndpoint(file: FileEndpoint, path: FieldPath, reader: EndpointReader): Endpoint {
  const { kind, ...others } = file
  const { needed, allowed, rule } = FIELDS[kind]
  const known: readonly string[] = [...needed, ...allowed]
  const given = Object.keys(others)
  if (!needed.every((field) => given.includes(field)) || !given.every((field) => known.includes(field))) reader.wrong(path, rule)
  switch (kind) {
    case 'none':
      return { kind }
    case 'command':
      return { kind, ...toPrograms(file, path, reader), timeoutMs: toTimeout(file.timeout, path, reader) }
    case 'lab-router':
      return { kind, name: file.name ?? '' }
  }
}

function toPrograms({ move = [], check = [] }: FileEndpoint, path: FieldPath, reader: EndpointReader) {
  for (const [field, argv] of Object.entries({ move, check })) {
    if (argv[0] !== undefined && !PROGRAM.test(argv[0])) {
      reader.wrong([...path, field, 0], 'the file name of a program in the worker’s CAPSTAN_ENDPOINT_COMMANDS, never a path')
    }
  }
  return { move, check }
}

function toTimeout(text: string | undefined, path: FieldPath, reader: EndpointReader): number {
  if (text === undefined) return TIMEOUT_MS
  const timeoutMs = parseDurationMs(text) ?? 0
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= TIMEOUT_MS_MAX) return timeoutMs
  reader.wrong([...path, 'timeout'], 'whole milliseconds, at most 10m')
  return TIMEOUT_MS
}
