/** In which order findings are told. */
import { PREFLIGHT_CHECKS, type PreflightFinding } from '../../../contracts/preflight'

const ORDER = Object.keys(PREFLIGHT_CHECKS)

/** Those that block first, then in the order of the checks; of one check in that in which it told them. */
export function inOrder(findings: readonly PreflightFinding[]): PreflightFinding[] {
  return [...findings].sort((a, b) => blocksFirst(a) - blocksFirst(b) || ORDER.indexOf(a.check) - ORDER.indexOf(b.check))
}

const blocksFirst = ({ severity }: PreflightFinding): number => (severity === 'blocks' ? 0 : 1)
