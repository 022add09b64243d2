/** One HTML file that loads nothing and runs nothing. Its policy forbids what it does not need, should a hostile name ever get through. */
import { createHash } from 'node:crypto'
import { Html, html } from './html'
import { STYLE } from './style'

const STYLE_HASH = createHash('sha256').update(STYLE, 'utf8').digest('base64')
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'`

export function framed(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`.text
}
