/** What this lab offers of engines: one minor version of each major one. */
import type { PostgresMajor } from '../../../pgserver/binaries'
import type { AwsCloud } from '../cloud'
import { familyOf } from '../parameters'
import type { Engine } from '../state'

export interface EngineVersion {
  engine: Engine
  major: PostgresMajor
  version: string
  family: string
  isDefault: boolean
}

export function engineVersions({ versions }: AwsCloud): EngineVersion[] {
  return (['postgres', 'aurora-postgresql'] as const).flatMap((engine) =>
    ([15, 17] as const).map((major) => ({
      engine,
      major,
      version: versions[major],
      family: familyOf({ engine, major }),
      isDefault: major === 17,
    })),
  )
}
