/** The page's document: it holds nothing until a human is signed in. */
import { createHash } from 'node:crypto';
import type { Answer } from '../answer.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='%231f5f8b' d='M8 1l6 2v5c0 4-3 6-6 7-3-1-6-3-6-7V3z'/%3E%3C/svg%3E";

/** The page with its content security policy: its own script and style by hash, requests to itself, and nothing else. */
export function renderPage(): Answer {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(SCRIPT)}'`,
    `style-src '${hashOf(STYLE)}'`,
    'img-src data:',
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  return { kind: 'page', html: DOCUMENT, policy };
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

const DOCUMENT = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Approvals · Intercept</title>
<link rel="icon" href="${ICON}">
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="brand">Intercept</p>
<nav aria-label="Pages"><a href="/approvals">Waiting calls</a></nav>
<button id="sign-out" class="quiet" type="button" hidden>Sign out</button>
</header>
<p id="lost" class="alert" role="alert" hidden>Intercept does not answer. What you see may be out of date.</p>
<main id="main" tabindex="-1"><noscript><p>This page needs JavaScript. The command line does not: <code>intercept approvals</code>.</p></noscript></main>
<p id="said" class="hidden" role="status" aria-live="polite"></p>
<script>${SCRIPT}</script>
</body>
</html>
`;
