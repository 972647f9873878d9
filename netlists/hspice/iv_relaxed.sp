* Current-voltage loop of the device of card vo2_delacour2021
* Card vo2_delacour2021, relaxed transitions, all devices alike.
* Made by circuitsnn 0.1.0: circuitsnn netlist iv --dialect hspice
* Run it with: hspice DECK

.option parhier=local
.param arsinh(x)='sgn(x)*log(abs(x)+sqrt(x*x+1))'
.param R_ins=100.2k
.param R_met=990
.param V_L=1
.param V_H=1.999
.param tau_0=10n
.param v_max=2.9985

.subckt vo2_relaxed drive out metallic conductance R_ins=100.2k R_met=990 V_L=1 V_H=1.999 tau_0=10n tau_feedback=100f
G_Bfeedback 0 feedback cur='arsinh(20meg*((V(drive,out)-(V_H+V_L)/2)/((V_H-V_L)*1.00000092522)+0.5*(1+tanh(sinh(max(-5,min(5,V(feedback))))))-0.5))'
Rfeedback feedback 0 1
Cfeedback feedback 0 'tau_feedback'
E_Bstate metallic 0 vol='0.5*(1+tanh(sinh(max(-5,min(5,V(feedback))))))'
Grelax 0 conductance metallic 0 1m
Rrelax conductance 0 1k
Crelax conductance 0 'tau_0/1000'
G_Bdevice drive out cur='V(drive,out)*((1-V(conductance))/R_ins+V(conductance)/R_met)'
.ends vo2_relaxed

Vsweep up 0 0
Vmax top 0 'v_max'
Edown down 0 top up 1
Xup up up_low up_metallic up_conductance vo2_relaxed R_ins='R_ins' R_met='R_met' V_L='V_L' V_H='V_H' tau_0='tau_0'
Vup_current up_low 0 0
Xdown down down_low down_metallic down_conductance vo2_relaxed R_ins='R_ins' R_met='R_met' V_L='V_L' V_H='V_H' tau_0='tau_0'
Vdown_current down_low 0 0

.option post=1 probe=1 reltol=1e-06
.probe dc v(up) v(down) i(Vup_current) i(Vdown_current)
.dc Vsweep 0 2.9985 10m
.end
