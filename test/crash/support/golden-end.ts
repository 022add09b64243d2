import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { GOLDEN_VARIABLE } from './golden'

export default function goldenEnd(): void {
  const file = process.env[GOLDEN_VARIABLE]
  if (file !== undefined) rmSync(dirname(file), { recursive: true, force: true })
}
