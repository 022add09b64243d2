/** Makes sure that there is a Temporal dev server, fetching or building it when there is none: what `npm test` does first. */
import type { EmbeddedConfig } from '../config'
import { Console } from '../story/console'
import { findTemporal } from '../temporal/find'
import { temporalSearch } from '../temporal/search'

export async function prepareTemporal(config: EmbeddedConfig, { quiet }: { quiet: boolean }): Promise<number> {
  const console = new Console({ live: config.colour })
  const source = await findTemporal(temporalSearch(config, (doing) => console.working(doing)))
  console.rest()
  if (!quiet) console.line(source.kind === 'server' ? source.address : source.path)
  return 0
}
