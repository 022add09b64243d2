/** A Resource Manager path → what it names. Segments that are words of the path are compared without regard to case, as Resource
 *  Manager does; names keep the case in which they were sent. */
import { AzureError } from '../errors'

export const NAMESPACE = 'Microsoft.DBforPostgreSQL'
const TYPE = 'flexibleServers'

/** A path with its names taken out: `…/flexibleservers/{}/databases/{}`. */
export interface ResourcePath {
  /** In lower case, after `/providers/Microsoft.DBforPostgreSQL`; `{}` stands for a name. Begins with `/` when no resource group is
   *  named, with `//` when no subscription is. */
  readonly shape: string
  readonly subscription: string | null
  readonly resourceGroup: string | null
  readonly location: string | null
  readonly server: string | null
  /** Of a resource below a server, or of an operation at a location. */
  readonly child: string | null
}

const SUBSCRIPTION = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** @throws AzureError for a path that Resource Manager would not pass on. */
export function parsePath(path: string): ResourcePath {
  const segments = decoded(path)
  const subscription = take(segments, 'subscriptions')
  if (subscription !== null && !SUBSCRIPTION.test(subscription)) {
    throw new AzureError(
      'InvalidSubscriptionId',
      `The provided subscription identifier '${subscription}' is malformed or invalid.`,
    )
  }
  const resourceGroup = subscription === null ? null : take(segments, 'resourcegroups')
  const namespace = take(segments, 'providers')
  if (namespace === null) {
    throw new AzureError(
      'MissingSubscription',
      'The request did not have a subscription or a valid tenant level resource provider.',
    )
  }
  if (namespace.toLowerCase() !== NAMESPACE.toLowerCase()) {
    throw new AzureError('InvalidResourceNamespace', `The resource namespace '${namespace}' is invalid.`)
  }
  if (resourceGroup !== null) parseResourceGroup(resourceGroup)
  const scope = subscription === null ? '//' : resourceGroup === null ? '/' : ''
  return { subscription, resourceGroup, ...inProvider(segments, scope) }
}

/** The id of a server, or of what is below it. */
export function serverId(
  server: { subscription: string; resourceGroup: string; name: string },
  ...below: readonly string[]
): string {
  const { subscription, resourceGroup, name } = server
  const parts = ['', 'subscriptions', subscription, 'resourceGroups', resourceGroup, 'providers', NAMESPACE, TYPE, name, ...below]
  return parts.join('/')
}

export function typeOf(...below: readonly string[]): string {
  return [NAMESPACE, TYPE, ...below].join('/')
}

/** The server that a resource id names; undefined when it names none. */
export function parseServerId(id: string): { subscription: string; resourceGroup: string; name: string } | undefined {
  try {
    const { subscription, resourceGroup, server, shape } = parsePath(id)
    if (subscription === null || resourceGroup === null || server === null || shape !== 'flexibleservers/{}') return undefined
    return { subscription, resourceGroup, name: server }
  } catch {
    return undefined
  }
}

function inProvider(
  segments: readonly string[],
  scope: '' | '/' | '//',
): Pick<ResourcePath, 'shape' | 'location' | 'server' | 'child'> {
  const [kind = '', name = null, collection = null, child = null, ...rest] = segments
  const words = [kind, name === null ? null : '{}', collection, child === null ? null : '{}', ...rest]
  const shape = words
    .filter((word) => word !== null)
    .join('/')
    .toLowerCase()
  if (kind.toLowerCase() === 'locations') return { shape: `${scope}${shape}`, location: name, server: null, child }
  const server = scope === '' && kind.toLowerCase() === TYPE.toLowerCase() ? name : null
  return { shape: `${scope}${shape}`, location: null, server, child }
}

function parseResourceGroup(name: string): void {
  if (/^[-\w.()]{1,90}$/.test(name) && !name.endsWith('.')) return
  throw new AzureError(
    'InvalidParameterValue',
    `The provided resource group name '${name.slice(0, 100)}' has these invalid characters or is not 1 to 90 characters long.`,
  )
}

/** The name that follows a word at the beginning; both are taken away. */
function take(segments: string[], word: string): string | null {
  if (segments[0]?.toLowerCase() !== word || segments[1] === undefined) return null
  const [, name] = segments.splice(0, 2)
  return name ?? null
}

function decoded(path: string): string[] {
  const segments = path.split('/').filter((segment) => segment !== '')
  try {
    return segments.map((segment) => decodeURIComponent(segment))
  } catch {
    throw new AzureError('MissingSubscription', 'The request path could not be decoded.')
  }
}
