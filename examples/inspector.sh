#!/bin/sh
# A server behind a policy, as one command without "--", for programs that read that word themselves:
#
#   npx @modelcontextprotocol/inspector --cli examples/inspector.sh --method tools/list
#
# POLICY and SERVER say which; INTERCEPT says where the command is.
# shellcheck disable=SC2086
exec ${INTERCEPT:-intercept} -c "${POLICY:-examples/policy.yaml}" -- ${SERVER:-npx bun examples/server.ts}
