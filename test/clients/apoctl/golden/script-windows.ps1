#Requires -RunAsAdministrator
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

$version = '1.3.0'
$url = 'https://example.com/prisma-enforcer-1.3.0.msi'
$sha256 = 'abababababababababababababababababababababababababababababababab'
$api = 'https://api.test'
$namespace = '/acme/k8s'
$tags = @('app=node', 'tier=one')
$name = 'prisma-enforcer'
$home_ = Join-Path $env:ProgramData 'prisma-enforcer'
$package = Join-Path $env:TEMP "prisma-enforcer-$version.msi"

if (-not $env:ENFORCERD_TOKEN) { throw 'ENFORCERD_TOKEN is empty; set it to an install token, from apoctl enforcer install-token' }

# First, so that nothing is removed for a package that can't be had.
Invoke-WebRequest -UseBasicParsing -Uri $url -OutFile $package
$found = (Get-FileHash -Algorithm SHA256 -Path $package).Hash
if ($found -ne $sha256) { throw "the package has the SHA-256 $found, not $sha256" }

# By what its own installation registered, never by a name that others may use.
$keys = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\*'
$installed = @(Get-ItemProperty $keys | Where-Object {
  $_.PSObject.Properties['DisplayName'] -and $_.DisplayName -eq $name -and
  $_.PSObject.Properties['Publisher'] -and $_.Publisher -eq 'Microseg'
})
foreach ($product in $installed) {
  Stop-Service -Name $name -Force -ErrorAction SilentlyContinue
  $ended = Start-Process msiexec.exe -Wait -PassThru -ArgumentList '/x', $product.PSChildName, '/qn', '/norestart'
  if ($ended.ExitCode -notin 0, 1605, 3010) { throw "the uninstall ended with $($ended.ExitCode)" }
}

$left = @()
if (Get-Service -Name $name -ErrorAction SilentlyContinue) { $left += "service $name" }
if (Test-Path $home_) { $left += $home_ }
if ($left.Count -gt 0) { throw "left after the uninstall: $($left -join ', ')" }

$given = @('/i', "`"$package`"", '/qn', '/norestart', "API=`"$api`"", "NAMESPACE=`"$namespace`"", "TAGS=`"$($tags -join ' ')`"", "TOKEN=`"$env:ENFORCERD_TOKEN`"")
$ended = Start-Process msiexec.exe -Wait -PassThru -ArgumentList $given
if ($ended.ExitCode -notin 0, 3010) { throw "the install ended with $($ended.ExitCode)" }
Remove-Item $package

$service = Get-Service -Name $name
$service.WaitForStatus('Running', [TimeSpan]::FromMinutes(2))
Write-Output "prisma-enforcer $version runs"
