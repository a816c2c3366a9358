#define _GNU_SOURCE
#include "ProcessProbe.h"

#if defined(__linux__)

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/// This program's own table of symbols, which the dynamic linker does not read: functions that no other file may use are
/// in there alone. It stays mapped.
static const Elf64_Sym *symbols;
static size_t symbol_count;
static const char *names;

static void read_symbols(void) {
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0) return;
    if (fstat(file, &status) == 0) {
        const char *image = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (image != MAP_FAILED) {
            const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
            const Elf64_Shdr *sections = (const Elf64_Shdr *)(image + header->e_shoff);
            for (int index = 0; index < header->e_shnum; index++) {
                if (sections[index].sh_type != SHT_SYMTAB) continue;
                symbols = (const Elf64_Sym *)(image + sections[index].sh_offset);
                symbol_count = sections[index].sh_size / sizeof *symbols;
                names = image + sections[sections[index].sh_link].sh_offset;
            }
        }
    }
    close(file);
}

static const char *own_function(uintptr_t offset) {
    if (!symbols) read_symbols();
    for (size_t index = 0; index < symbol_count; index++) {
        const Elf64_Sym *symbol = &symbols[index];
        if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC) continue;
        if (offset >= symbol->st_value && offset < symbol->st_value + symbol->st_size) return names + symbol->st_name;
    }
    return NULL;
}

void probe_symbol(const void *address, const char **function, const char **file) {
    Dl_info info;
    struct link_map *map = NULL;
    *function = NULL;
    *file = NULL;
    if (!dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP)) return;
    *function = info.dli_sname;
    *file = info.dli_fname;
    // The program itself has no name in the linker's list.
    if (map && map->l_name[0] == 0) *function = own_function((uintptr_t)address - map->l_addr);
}

#else

void probe_symbol(const void *address, const char **function, const char **file) {
    (void)address;
    *function = NULL;
    *file = NULL;
}

#endif
