/** The newest version that `go install` can build: later ones have a `replace` whose folder is not in the module. */
export const TEMPORAL_CLI_VERSION = 'v1.5.1'
