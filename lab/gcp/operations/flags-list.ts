/** flags.list: what a version, or every version, can be told. */

import type { ParameterDefinition } from '../../postgres/catalogue'
import { type Operation, textOf } from '../cloud'
import { allowedTexts, flagsOf } from '../flags'
import type { Json, Message } from '../protocol/json'

const MAJORS = [15, 17] as const

export const listFlags: Operation = async ({ cloud, fields }) => {
  const wanted = textOf(fields.databaseVersion)
  const byName = new Map<string, { flag: ParameterDefinition; versions: string[] }>()
  for (const major of MAJORS) {
    if (wanted !== undefined && wanted !== `POSTGRES_${major}`) continue
    for (const flag of flagsOf(await cloud.catalogue(major))) {
      const known = byName.get(flag.name) ?? { flag, versions: [] }
      known.versions.push(`POSTGRES_${major}`)
      byName.set(flag.name, known)
    }
  }
  const items = [...byName.values()].sort((a, b) => (a.flag.name < b.flag.name ? -1 : 1))
  return { kind: 'sql#flagsList', items: items.map(({ flag, versions }) => flagView(flag, versions)) as Json[] }
}

function flagView(flag: ParameterDefinition, versions: string[]): Message {
  const texts = allowedTexts(flag)
  return {
    kind: 'sql#flag',
    name: flag.name,
    type: texts
      ? 'STRING'
      : ({ boolean: 'BOOLEAN', integer: 'INTEGER', real: 'FLOAT', string: 'STRING', enum: 'STRING' } as const)[flag.type],
    appliesTo: versions,
    requiresRestart: !flag.dynamic,
    flagScope: 'SQL_FLAG_SCOPE_DATABASE',
    ...(texts && { allowedStringValues: texts }),
    ...(flag.type === 'integer' && flag.minimum !== '' && { minValue: flag.minimum, maxValue: flag.maximum }),
  }
}
