/** DescribeEventCategories: the categories that events of each kind of source may be of. */
import type { Operation } from '../cloud'
import { invalidValue } from '../errors'
import { filtered, NO_FILTERS } from '../filters'

const CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  'db-instance': [
    'availability',
    'backup',
    'configuration change',
    'creation',
    'deletion',
    'failover',
    'failure',
    'low storage',
    'maintenance',
    'notification',
    'read replica',
    'recovery',
    'restoration',
    'security',
  ],
  'db-parameter-group': ['configuration change'],
  'db-security-group': ['configuration change', 'failure'],
  'db-snapshot': ['creation', 'deletion', 'failure', 'notification', 'restoration'],
  'db-cluster': [
    'configuration change',
    'creation',
    'deletion',
    'failover',
    'failure',
    'global-failover',
    'maintenance',
    'notification',
  ],
  'db-cluster-snapshot': ['backup', 'creation', 'deletion', 'failure', 'notification'],
  'blue-green-deployment': ['creation', 'deletion', 'failure', 'notification'],
}

export const describeEventCategories: Operation<'DescribeEventCategories'> = async ({ query }) => {
  const type = query.text('SourceType')
  if (type !== undefined && !Object.hasOwn(CATEGORIES, type)) throw invalidValue(`Invalid source type: ${type}`)
  const found = filtered(query, NO_FILTERS, Object.entries(CATEGORIES)).filter(([name]) => type === undefined || name === type)
  return { EventCategoriesMapList: found.map(([SourceType, EventCategories]) => ({ SourceType, EventCategories })) }
}
