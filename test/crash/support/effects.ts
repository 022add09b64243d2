/** Whether the target holds exactly what the scenario says: a history row if and only if the script's effect is there, once. */
import type { Migrating } from '../../support/migrating'
import { GROUND, type Scenario } from './scenarios'

export async function effectsOf(it: Migrating, operation: string, { applied, indexes, leaves }: Scenario): Promise<string[]> {
  const history = await it.rows<{ script: string; success: boolean }>(
    'SELECT script, success FROM public.flyway_schema_history ORDER BY installed_rank',
  )
  const scripts = history.map(({ script, success }) => (success ? script : `${script} (failed)`))
  const effects = await it.rows<{ script: string; n: number }>(
    'SELECT script, count(*)::int AS n FROM public.effects GROUP BY script ORDER BY script',
  )
  const there = await it.rows<{ name: string }>(
    `SELECT c.relname AS name FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'public' AND NOT x.indisunique AND c.relname NOT LIKE 'flyway%' ORDER BY 1`,
  )
  const [view] = await it.rows<{ found: boolean }>(`SELECT to_regclass('public.names') IS NOT NULL AS found`)
  const left = await it.target.tagged(operation)
  return [
    ...differing('resources in the cloud', left, leaves?.(operation) ?? left),
    ...differing('scripts in the history', scripts, applied),
    ...differing('indexes', names(there), indexes),
    ...differing(
      'effects',
      effects.map(({ script, n }) => `${script} ×${n}`),
      applied
        .filter((script) => script.startsWith('V') && !(script in GROUND) && !script.includes('by_colour'))
        .map(once)
        .sort(),
    ),
    ...differing(
      'views',
      view?.found ? ['R__names.sql'] : [],
      applied.filter((script) => script.startsWith('R')),
    ),
  ]
}

const once = (script: string): string => `${script} ×1`
const names = (rows: readonly { name: string }[]): string[] => rows.map(({ name }) => name)

function differing(what: string, found: readonly string[], expected: readonly string[]): string[] {
  if (found.join(' ') === expected.join(' ')) return []
  return [`${what}: found ${found.join(', ') || 'none'}; expected ${expected.join(', ') || 'none'}`]
}
