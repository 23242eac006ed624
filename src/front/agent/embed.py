#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""embed.py IN OUT: write the bytes of IN as a C array, see blob.h."""
import sys

with open(sys.argv[1], "rb") as blob:
    data = blob.read()
rows = [data[i:i + 12] for i in range(0, len(data), 12)]
with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write("/* SPDX-License-Identifier: BSD-3-Clause */\n")
    out.write("/* Made by embed.py from agent.c. */\n")
    out.write('#include "front/agent/blob.h"\n\n')
    out.write("const unsigned char uvf_agent_blob[]\n")
    out.write("\t__attribute__((aligned(16))) = {\n")
    for row in rows:
        out.write("\t" + ", ".join(f"0x{byte:02x}" for byte in row) + ",\n")
    out.write("};\n\n")
    out.write("const size_t uvf_agent_blob_size = sizeof(uvf_agent_blob);\n")
