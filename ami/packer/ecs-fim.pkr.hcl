# SPDX-License-Identifier: Apache-2.0
#
# Second stage on the published ECS-optimized AMI: install, reboot, clean up, and as the
# literally last change take the baseline. Its digest leaves the instance, is signed where
# the key is, and comes back as a signature beside the baseline.
#
#	packer init . && packer build -only=amazon-ebs.al2023 -var sign_command=./kms-sign .

packer {
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.2.8"
    }
  }
}

variable "region" {
  type    = string
  default = "us-east-1"
}

variable "packages" {
  type        = string
  default     = "build/packages"
  description = "Folder with the RPMs and baseline.pem, the public key."
}

variable "sign_command" {
  type        = string
  default     = "./kms-sign"
  description = "Gets a file with the baseline's SHA-256 in hex and the file to write the signature to."
}

variable "key_id" {
  type        = string
  default     = "alias/ecs-fim-baseline"
  description = "Goes into the manifest and the AMI's tags."
}

variable "enable" {
  type        = string
  default     = "ecs-fim-compare.timer"
  description = "Units to enable in the image; add ecs-fim-send-asff.timer for Security Hub."
}

locals {
  policies = {
    al2023    = "/usr/share/ecs-fim/baselines/al2023.yaml"
    al2023arm = "/usr/share/ecs-fim/baselines/al2023.yaml"
    al2023gpu = "/usr/share/ecs-fim/baselines/al2023-gpu.yaml"
    al2       = "/usr/share/ecs-fim/baselines/al2.yaml"
  }
  tags = {
    Name                  = "ecs-fim-{{timestamp}}"
    "ecs-fim:key-id"      = var.key_id
    "ecs-fim:source-ami"  = "{{ .SourceAMI }}"
    "ecs-fim:source-name" = "{{ .SourceAMIName }}"
  }
}

source "amazon-ebs" "al2023" {
  region        = var.region
  ami_name      = "ecs-fim-al2023-x86_64-{{timestamp}}"
  instance_type = "m6i.large"
  ssh_username  = "ec2-user"
  tags          = local.tags
  source_ami_filter {
    owners      = ["amazon"]
    most_recent = true
    filters = {
      name = "al2023-ami-ecs-hvm-2023.*-kernel-6.1-x86_64"
    }
  }
}

source "amazon-ebs" "al2023arm" {
  region        = var.region
  ami_name      = "ecs-fim-al2023-arm64-{{timestamp}}"
  instance_type = "m7g.large"
  ssh_username  = "ec2-user"
  tags          = local.tags
  source_ami_filter {
    owners      = ["amazon"]
    most_recent = true
    filters = {
      name = "al2023-ami-ecs-hvm-2023.*-kernel-6.1-arm64"
    }
  }
}

source "amazon-ebs" "al2023gpu" {
  region        = var.region
  ami_name      = "ecs-fim-al2023gpu-x86_64-{{timestamp}}"
  instance_type = "g4dn.xlarge"
  ssh_username  = "ec2-user"
  tags          = local.tags
  source_ami_filter {
    owners      = ["amazon"]
    most_recent = true
    filters = {
      name = "al2023-ami-ecs-gpu-hvm-2023.*-kernel-6.1-x86_64-ebs"
    }
  }
}

source "amazon-ebs" "al2" {
  region        = var.region
  ami_name      = "ecs-fim-al2-5.10-x86_64-{{timestamp}}"
  instance_type = "m6i.large"
  ssh_username  = "ec2-user"
  tags          = local.tags
  source_ami_filter {
    owners      = ["amazon"]
    most_recent = true
    filters = {
      name = "amzn2-ami-ecs-kernel-5.10-hvm-2.0.*-x86_64-ebs"
    }
  }
}

build {
  sources = [
    "source.amazon-ebs.al2023",
    "source.amazon-ebs.al2023arm",
    "source.amazon-ebs.al2023gpu",
    "source.amazon-ebs.al2",
  ]

  # 1. install, for every kernel that is there: after the reboot it may be another
  provisioner "file" {
    source      = "${var.packages}/"
    destination = "/tmp/ecs-fim"
  }
  provisioner "file" {
    source      = "${path.root}/provision.sh"
    destination = "/tmp/ecs-fim/provision.sh"
  }
  provisioner "shell" {
    inline = [
      "sudo sh /tmp/ecs-fim/provision.sh install /tmp/ecs-fim",
      "sudo systemctl enable ${var.enable}",
    ]
  }

  # 2. the kernel that the image will run
  provisioner "shell" {
    inline            = ["sudo systemctl reboot"]
    expect_disconnect = true
  }
  provisioner "shell" {
    pause_before = "30s"
    inline       = ["test -e /lib/modules/$(uname -r)/extra/ecs_fim.ko", "sudo modprobe -n ecs_fim"]
  }

  # 3. our own clean-up: what first boot makes anew
  provisioner "shell" {
    inline = [
      "sudo rm -rf /tmp/ecs-fim /var/lib/cloud/instances /var/log/journal/*",
      "sudo truncate -s 0 /etc/machine-id",
      "sudo rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub",
    ]
  }

  # 4. BASELINE: nothing that changes the image may come after this one
  provisioner "shell" {
    inline = ["sudo /usr/libexec/ecs-fim/provision.sh seal ${local.policies[source.name]} | sudo tee /var/lib/ecs-fim/digest >/dev/null",
    "sudo install -m 0644 /var/lib/ecs-fim/digest /run/ecs-fim-digest"]
  }

  # 5. the digest leaves, is signed outside, comes back: /var/lib/ecs-fim is not covered
  provisioner "file" {
    direction   = "download"
    source      = "/run/ecs-fim-digest"
    destination = "${path.root}/${source.name}.digest"
  }
  provisioner "shell-local" {
    inline = ["${var.sign_command} ${path.root}/${source.name}.digest ${path.root}/${source.name}.sig"]
  }
  provisioner "file" {
    source      = "${path.root}/${source.name}.sig"
    destination = "/run/user/1000/baseline.sig"
  }
  provisioner "shell" {
    inline = ["sudo /usr/libexec/ecs-fim/provision.sh attach /run/user/1000/baseline.sig"]
  }

  post-processor "manifest" {
    output     = "${path.root}/manifest.json"
    strip_path = true
    custom_data = {
      key_id = var.key_id
      digest = "${source.name}.digest"
    }
  }

  # 6. the AMI's tags carry the digest; then it is started once and must be as signed
  post-processor "shell-local" {
    inline = [
      "${path.root}/tag-image ${var.region} ${path.root}/manifest.json ${path.root}/${source.name}.digest ${var.key_id}",
      "${path.root}/boot-test ${var.region} ${path.root}/manifest.json",
    ]
  }
}
