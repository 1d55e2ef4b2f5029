#pragma once
/* As in CLinux: libc's types look different without it, and Swift refuses two forms of one type. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <yaml.h>
