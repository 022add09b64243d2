import type { EmbeddedConfig } from '../config'
import type { TemporalSearch } from './find'

/** Long enough for a slow name server, short enough that nobody notices a network without the host. */
const ANSWER_TIMEOUT_MS = 4_000

/** What the configuration says about where to look. */
export function temporalSearch(config: EmbeddedConfig, progress: (doing: string) => void): TemporalSearch {
  return {
    address: config.temporalAddress,
    cli: config.temporalCli,
    searchPath: config.searchPath,
    cacheDir: config.folders.cache,
    downloadHost: config.temporalDownload,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
    environment: config.inherited,
    progress,
  }
}
