/** Settings of an instance: class, storage, activation, flags and authorized networks are all changed by them. */
import { canonicalNetwork, spelledAlike } from '../networks'
import { tagsDiffer, withTags } from '../owner'
import type { CallOptions, ChangeOptions, InstanceRef, ManagedPostgres, RuleNames, Started } from '../port'
import type { CloudSql, Instance, Settings } from './client'
import { isUnfinished } from './describe'
import { ADOPTED, editionOf, operationsOf, requireVery } from './instances'

/** What is not named stays. Labels are sent along: the client says `{}` for those that it was not given. A version that was overtaken is refused. */
export function patchSettings(sql: CloudSql, found: Instance, wanted: Settings, options: ChangeOptions): Promise<Started> {
  const { settingsVersion, userLabels } = found.settings ?? {}
  const settings = { userLabels: userLabels ?? {}, ...wanted, ...(settingsVersion && { settingsVersion }) }
  return sql.start('instances.patch', options, ({ instances }) =>
    instances.patch({ project: sql.config.project, instance: found.name ?? '', body: { settings } }),
  )
}

/** The whole of them, where something has to become empty: the client leaves empty lists out, so that a patch cannot say them. */
export function replaceSettings(sql: CloudSql, found: Instance, wanted: Settings, options: ChangeOptions): Promise<Started> {
  const { databaseVersion, name, region } = found
  const settings = told({ ...found.settings, ...wanted }) as Settings
  return sql.start('instances.update', options, ({ instances }) =>
    instances.update({
      project: sql.config.project,
      instance: name ?? '',
      body: told({ databaseVersion, name, region, settings }) as Instance,
    }),
  )
}

/** Without the defaults by which the client shows what an answer left out. */
export function told(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(told)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([name, field]) => [name, told(field)] as const)
  return Object.fromEntries(
    fields.filter(([, field]) => {
      if (field === null || field === undefined || field === '') return false
      if (Array.isArray(field)) return field.length > 0
      return !(typeof field === 'string' && field.endsWith('_UNSPECIFIED'))
    }),
  )
}

export async function startScale(
  sql: CloudSql,
  { instance, instanceClass, storageGib }: Parameters<ManagedPostgres['startScale']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const found = await requireVery(sql, instance, options)
  const { tier, dataDiskSizeGb } = found.settings ?? {}
  const wanted: Settings = {
    ...(instanceClass === null || instanceClass === tier ? {} : { tier: instanceClass, edition: editionOf(instanceClass) }),
    ...(storageGib === null || storageGib <= Number(dataDiskSizeGb?.value ?? 0) ? {} : { dataDiskSizeGb: { value: storageGib } }),
  }
  return Object.keys(wanted).length === 0 ? ADOPTED : patchSettings(sql, found, wanted, options)
}

/** A stopped instance is one whose activation policy says never. */
export async function setActivation(
  sql: CloudSql,
  instance: InstanceRef,
  activationPolicy: 'ALWAYS' | 'NEVER',
  options: ChangeOptions,
): Promise<Started> {
  const found = await requireVery(sql, instance, options)
  if (found.settings?.activationPolicy === activationPolicy) return ADOPTED
  return patchSettings(sql, found, { activationPolicy }, options)
}

/** Cloud SQL restarts the server by itself where one of them needs it. */
export async function setParameters(
  sql: CloudSql,
  { instance, parameters }: Parameters<ManagedPostgres['setParameters']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  const found = await requireVery(sql, instance, options)
  const standing = new Map((found.settings?.databaseFlags ?? []).map(({ name, value }) => [name ?? '', value ?? '']))
  if (Object.entries(parameters).every(([name, value]) => standing.get(name) === value)) {
    return { done: !(await isUpdating(sql, found, options)), restartNeeded: false }
  }
  // The list is replaced as a whole.
  const flags = new Map([...standing, ...Object.entries(parameters)])
  await patchSettings(sql, found, { databaseFlags: [...flags].map(([name, value]) => ({ name, value })) }, options)
  return { done: false, restartNeeded: false }
}

export async function isUpdating(sql: CloudSql, found: Instance, options: CallOptions): Promise<boolean> {
  const operations = await operationsOf(sql, found, options)
  return operations.some((one) => isUnfinished(one) && one.operationType === 'UPDATE')
}

export async function setNetworkRules(
  sql: CloudSql,
  { instance, networkRules, names }: Parameters<ManagedPostgres['setNetworkRules']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean }> {
  const found = await requireVery(sql, instance, options)
  const wanted = new Set(networkRules.map(canonicalNetwork))
  const standing = new Set(found.settings?.ipConfiguration?.authorizedNetworks?.map(({ value }) => spelledAlike(value ?? '')))
  if (wanted.size === standing.size && [...wanted].every((network) => standing.has(network))) {
    const unfinished = (await operationsOf(sql, found, options)).some(
      (one) => isUnfinished(one) && one.operationType === 'UPDATE',
    )
    return { done: !unfinished }
  }
  await letIn(sql, found, { networkRules, names: { ...ruleNamesOf(found), ...names }, more: {} }, options)
  return { done: false }
}

/** Labels are said as a whole: a patch takes none off. */
export async function setLabels(
  sql: CloudSql,
  { instance, ...wanted }: Parameters<ManagedPostgres['setTags']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean }> {
  const found = await requireVery(sql, instance, options)
  const labels = found.settings?.userLabels ?? {}
  if (!tagsDiffer(labels, wanted)) return { done: !(await isUpdating(sql, found, options)) }
  await replaceSettings(sql, found, { userLabels: withTags(labels, wanted) }, options)
  return { done: false }
}

/** With `more` that is to change with it. */
export function letIn(
  sql: CloudSql,
  found: Instance,
  { networkRules, names, more }: { networkRules: readonly string[]; names?: RuleNames; more: Settings },
  options: ChangeOptions,
): Promise<Started> {
  const authorizedNetworks = networksOf(networkRules, names)
  if (authorizedNetworks.length > 0)
    return patchSettings(sql, found, { ...more, ipConfiguration: { authorizedNetworks } }, options)
  const ipConfiguration = { ...found.settings?.ipConfiguration, authorizedNetworks }
  return replaceSettings(sql, found, { ...more, ipConfiguration }, options)
}

export function networksOf(networkRules: readonly string[], names: RuleNames = {}): { name: string; value: string }[] {
  return networkRules.map(canonicalNetwork).map((value) => ({ name: names[value] ?? 'capstan', value }))
}

/** Of networks of IPv4 alone: the port knows no others. */
export function ruleNamesOf({ settings }: Instance): RuleNames {
  const named = (settings?.ipConfiguration?.authorizedNetworks ?? []).filter(({ value }) => /^[\d./]+$/.test(value ?? ''))
  return Object.fromEntries(named.map(({ name, value }) => [canonicalNetwork(value ?? ''), name ?? '']))
}
