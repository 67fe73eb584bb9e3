/* Wine 8 lacks this library, which Rust's standard library draws its randomness from on Windows. For tests under Wine
 * only; documented at https://learn.microsoft.com/windows/win32/seccng/processprng. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    return RtlGenRandom(data, (ULONG)length);
}
