/* All of CLinux is inline in its header; SwiftPM wants a source file in a C target. */
#include "clinux.h"
