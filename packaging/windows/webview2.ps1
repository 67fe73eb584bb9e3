# Fetches Microsoft's installer of WebView2 (its address: Microsoft's documentation of WebView2's distribution) to the file that is
# named, and runs it if Microsoft signed it.
param([Parameter(Mandatory)][string]$File)
$ErrorActionPreference = 'Stop'
# A progress bar makes Windows PowerShell fetch ten times slower.
$ProgressPreference = 'SilentlyContinue'
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
Invoke-WebRequest -UseBasicParsing -Uri 'https://go.microsoft.com/fwlink/p/?LinkId=2124703' -OutFile $File
$signature = Get-AuthenticodeSignature -LiteralPath $File
if ($signature.Status -ne 'Valid' -or $signature.SignerCertificate.Subject -notmatch '(^|, )O=Microsoft Corporation(,|$)') {
    Write-Output 'What was fetched is not signed by Microsoft.'
    exit 1
}
exit (Start-Process -FilePath $File -ArgumentList '/silent', '/install' -Wait -PassThru).ExitCode
