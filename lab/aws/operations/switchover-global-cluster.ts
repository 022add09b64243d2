/** SwitchoverGlobalCluster: the named secondary cluster leads from then on, and the one that led follows; no commit is lost. */
import type { Operation } from '../cloud'
import { switchGlobal } from './lead-change'

export const switchoverGlobalCluster: Operation<'SwitchoverGlobalCluster'> = (call) => switchGlobal(call)
