/** What this lab offers of engines: one minor version of each major one. */
import type { PostgresMajor } from '../../../pgserver/binaries'
import type { AwsCloud } from '../cloud'

export interface EngineVersion {
  engine: string
  major: PostgresMajor
  version: string
  family: string
  isDefault: boolean
}

export function engineVersions({ versions }: AwsCloud): EngineVersion[] {
  return ([15, 17] as const).map((major) => ({
    engine: 'postgres',
    major,
    version: versions[major],
    family: `postgres${major}`,
    isDefault: major === 17,
  }))
}
