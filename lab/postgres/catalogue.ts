/** PostgreSQL's own list of its parameters, per version, from `postgres --describe-config`: names, types, ranges and when a
 *  change takes effect. Numeric defaults are not in it: the server computes them when it starts. Developers' options and internal values are not in it. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PostgresBinaries, PostgresMajor } from '../../pgserver/binaries'

export interface ParameterDefinition {
  name: string
  /** False: takes effect at a start of the server only. */
  dynamic: boolean
  type: 'boolean' | 'integer' | 'real' | 'string' | 'enum'
  minimum: string
  maximum: string
  description: string
}

export type Catalogue = ReadonlyMap<string, ParameterDefinition>

const TYPES = { BOOLEAN: 'boolean', INTEGER: 'integer', REAL: 'real', STRING: 'string', ENUM: 'enum' } as const

export async function readCatalogue(binaries: PostgresBinaries): Promise<Catalogue> {
  const { stdout } = await promisify(execFile)(join(binaries.binDir, 'postgres'), ['--describe-config'], {
    env: { LC_ALL: 'C' },
    maxBuffer: 16 * 1024 * 1024,
  })
  return parseCatalogue(stdout)
}

/** Reads each version's list once. */
export function catalogues(servers: {
  binariesOf(major: PostgresMajor): Promise<PostgresBinaries>
}): (major: PostgresMajor) => Promise<Catalogue> {
  const known = new Map<PostgresMajor, Promise<Catalogue>>()
  return (major) => {
    const found = known.get(major) ?? servers.binariesOf(major).then(readCatalogue)
    known.set(major, found)
    return found
  }
}

/** One parameter a line: name, context, group, type, default, minimum, maximum, descriptions; separated by tabs. */
export function parseCatalogue(text: string): Catalogue {
  const catalogue = new Map<string, ParameterDefinition>()
  for (const line of text.split('\n')) {
    const [name, context, , type, , minimum = '', maximum = '', description = ''] = line.split('\t')
    if (!name || !type || !Object.hasOwn(TYPES, type)) continue
    catalogue.set(name, {
      name,
      dynamic: context !== 'postmaster',
      type: TYPES[type as keyof typeof TYPES],
      minimum,
      maximum,
      description,
    })
  }
  return catalogue
}
