# SPDX-License-Identifier: Apache-2.0
# dnf: every transaction is an announced change. Copy to the directory of dnf's plugins
# (/usr/lib/python3.9/site-packages/dnf-plugins on Amazon Linux 2023).
import subprocess

import dnf

HELPER = "/usr/libexec/ecs-fim/ecs-fim-change"


class EcsFim(dnf.Plugin):
    name = "ecs_fim"

    def _call(self, what):
        # What it has to say goes to the terminal; a transaction is never stopped by it.
        subprocess.call([HELPER, what, "dnf"])

    def pre_transaction(self):
        self._call("begin")

    def transaction(self):
        self._call("end")
