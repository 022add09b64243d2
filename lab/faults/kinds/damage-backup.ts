/** What is stored of an instance's data goes bad where it lies: in every backup that it has now. Nobody is told; what is taken later is sound. */
import { PARTS, type Part } from '../../postgres/damage'
import { oneOf } from '../kind'
import { INSTANCES, type PlainKind } from './acting'

export const damageBackup: PlainKind = {
  ...INSTANCES,
  summary:
    'in every stored backup of an instance: a page of its largest table rots, or a leaf of its largest B-tree, or that table’s file is cut off (--part page, index or table)',
  settings: { part: { ...oneOf(PARTS), required: true } },
  effect: { begin: (patient, { part }) => patient.damageBackups(part as Part) },
}
