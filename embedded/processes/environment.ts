/** What a child is given of the user's environment: where programs and folders are and how people write, nothing else. A cloud profile, a
 *  database's password or a proxy that the user has set is no business of a lab or of its worker. */
const PLAIN = /^(PATH|HOME|USER|LOGNAME|TMPDIR|TZ|LANG|LANGUAGE|LC_[A-Z]+|XDG_[A-Z_]+)$/

/** `also`: further names that this child needs. */
export function childEnvironment(inherited: Readonly<NodeJS.ProcessEnv>, also: RegExp = /^$/): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(inherited).filter(([name]) => PLAIN.test(name) || also.test(name)))
}
